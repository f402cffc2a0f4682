export default function Create() { return <p data-ready>Create</p>; }
